"""Inputs, exports, atomic writing, shipped resources, and arrays larger than memory."""
