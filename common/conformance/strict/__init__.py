"""What is asked in strict float32: every bit of the strict oracle's."""
