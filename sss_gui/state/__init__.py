"""What is open and wanted, and who waits for which answer."""
