"""Sources cut into steps, highlighted, and aligned in columns."""
