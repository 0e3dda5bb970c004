"""The command lines: sss-extract, sss-train, sss-eval, sss-convert; their options come from the parameter records."""
