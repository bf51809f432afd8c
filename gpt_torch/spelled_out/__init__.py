"""The GPT of nnz.torch: the model out of the operations, as in the other backends; nnz.gpt has it as a torch module."""
