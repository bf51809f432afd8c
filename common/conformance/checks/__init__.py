"""What a backend is asked: its operations, layers, model, optimizers, training, sampling and checkpoints.

A check takes the backend under test, a dtype, a random generator and a number of rounds, and yields measurements.
Every call of the backend goes through backend_under_test, which also records whose code ran.
"""
