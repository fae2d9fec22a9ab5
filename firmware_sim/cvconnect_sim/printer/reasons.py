"""Why a command had no effect, as `IgnoredCommand` says it."""

from typing import Final

OUT_OF_RANGE: Final = "parameter out of range"
NOT_AT_LINE_START: Final = "only at the beginning of a line"
NOT_MODELLED: Final = "not modelled"
LACKING: Final = "this model has no such command"
NO_CUTTER: Final = "this model has no cutter"
