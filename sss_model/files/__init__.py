"""What is opened, what is exported, and arrays larger than memory."""
