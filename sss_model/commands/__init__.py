"""The command lines: sss-extract, sss-segment, sss-train, sss-eval, sss-convert.

Their options come from the parameter records, their exit codes from `ending`.
The modules named after them load no torch.
"""
