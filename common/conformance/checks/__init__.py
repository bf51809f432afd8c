"""What is asked of a backend, level by level: ops, optimizers, layers, the MLP, training, use."""
