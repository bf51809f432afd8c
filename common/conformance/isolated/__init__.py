"""A backend in a process of its own, so that what it should return is never where it could see or change it.

messages (arrays and values as bytes), worker (runs the backend), client (starts the worker and asks it), objects (the
backend's, as the grading sees them), remote (the same of its module), witness (in the worker: tells what the backend
uses), evidence (what that proves), descendants (nothing stays behind).
The worker must import nothing that knows what is right.
"""
