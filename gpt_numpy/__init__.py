"""The GPT in numpy: the model in gpt.py, and in ops/ the operations that the MLP has no use for."""
