"""Training: the recipe's numbers, the order of pictures, the loop, its log and its state; `command` is sss-train."""
