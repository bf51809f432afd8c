"""The GPT in C: the model in gpt.c, in ops/ the operations that the MLP has no use for, in fast/ the same, fast."""
