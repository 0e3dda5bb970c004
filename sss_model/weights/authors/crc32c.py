"""CRC-32C (Castagnoli), the checksum of TensorFlow's checkpoints, in numpy: near a hundred megabytes a second.

A cyclic checksum is linear over GF(2). The data are cut into equal lanes, every lane's checksum advances by one byte
in one numpy step, and two neighbours join as crc(A B) = shift(crc(A), len(B)) xor crc(B), pair by pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # reflected
_LANE = 2048


def _byte_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1).astype(np.uint32)
    return table


_TABLE = _byte_table()
_ROWS = _TABLE.tolist()


def crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, as an unsigned 32-bit number (0xE3069283 for b"123456789").

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    lanes = len(data) // _LANE
    state = 0xFFFFFFFF
    if lanes > 1:
        lanes = 1 << (lanes.bit_length() - 1)  # a power of two, so that lanes join in pairs
        length = len(data) // lanes
        state = _lanes(np.frombuffer(data, np.uint8, lanes * length).reshape(lanes, length))
        data = data[lanes * length :]
    for byte in data:
        state = _ROWS[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _lanes(parts: NDArray[np.uint8]) -> int:
    """The raw state after all rows of `parts`, one after the other, from the usual start."""
    state = np.zeros(len(parts), np.uint32)
    state[0] = 0xFFFFFFFF
    for column in np.ascontiguousarray(parts.T):
        state = _TABLE[(state ^ column) & 0xFF] ^ (state >> np.uint32(8))
    shift = _power(_one_byte(), parts.shape[1])
    while len(state) > 1:
        state = _apply(shift, state[0::2]) ^ state[1::2]
        shift = _apply(shift, shift)
    return int(state[0])


def _one_byte() -> NDArray[np.uint32]:
    """Advancing the state by one zero byte, as a matrix over GF(2): column i is what bit i becomes."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    columns: NDArray[np.uint32] = _TABLE[bits & 0xFF] ^ (bits >> np.uint32(8))
    return columns


def _power(matrix: NDArray[np.uint32], exponent: int) -> NDArray[np.uint32]:
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)
    while exponent:
        if exponent & 1:
            result = _apply(matrix, result)
        matrix = _apply(matrix, matrix)
        exponent >>= 1
    return result


def _apply(matrix: NDArray[np.uint32], states: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """`matrix` times every one of `states`; with another matrix's columns, the product of the two."""
    result = np.zeros_like(states)
    for bit in range(32):
        result ^= np.where((states >> np.uint32(bit)) & 1, matrix[bit], np.uint32(0)).astype(np.uint32)
    return result
