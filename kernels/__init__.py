"""The recurrence: a plain reference beside each fast version."""

from kernels.backends import BACKENDS, Packed, available, pack
from kernels.weights import Chunk, Piece, Predictions, State, Weights

__all__ = ["BACKENDS", "Chunk", "Packed", "Piece", "Predictions", "State", "Weights", "available", "pack"]
