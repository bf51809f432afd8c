"""The operations of both models in each precision, by the same names."""

from __future__ import annotations

from nnz.backend.op_checks import joined

from .. import ops, strict_ops
from . import ops as gpt_ops
from . import strict_ops as strict_gpt_ops

OPS = {"native": joined(ops, gpt_ops), "strict": joined(strict_ops, strict_gpt_ops)}
