"""A backend in a process of its own, so that what it should return is never where it could see or change it.

messages (arrays and values as bytes), worker (runs the backend), witness (in the worker: tells what the backend uses),
evidence (what that proves), remote (what the grading sees instead of the module), descendants (nothing stays behind).
The worker must import nothing that knows what is right.
"""
