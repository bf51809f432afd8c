"""The largest numbers that are taken. They are here since a command checks them before it imports numpy."""

LARGEST_SIZE = 2**31 - 1  # sizes and steps stay within what the C kernels and the token ids can index
MOST_THREADS = 1024
