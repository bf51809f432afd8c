"""The inputs on which a wrong implementation cannot look right."""
