"""The kernels that run the network: a plain numpy reference beside each compiled version."""

from soupstate.kernels.backends import BACKENDS, Packed, available, pack
from soupstate.kernels.weights import Chunk, Piece, Predictions, State, Weights

__all__ = ["BACKENDS", "Chunk", "Packed", "Piece", "Predictions", "State", "Weights", "available", "pack"]
