"""The operations that only the GPT has, as pure functions of tensors, one file each; nothing is checked here."""

from .attention import attention_backward, attention_forward
from .clip import clip_step, square_sum
from .dropout import dropout_backward, dropout_forward, dropout_mask
from .gelu import gelu_backward, gelu_forward
from .layer_norm import layer_norm_backward, layer_norm_forward
from .relu import relu_backward, relu_forward
from .rms_norm import rms_norm_backward, rms_norm_forward

__all__ = [
    "attention_backward",
    "attention_forward",
    "clip_step",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "gelu_backward",
    "gelu_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "relu_backward",
    "relu_forward",
    "rms_norm_backward",
    "rms_norm_forward",
    "square_sum",
]
