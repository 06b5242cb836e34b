"""A real Xen with a small dom0, inside an emulated machine: see the README in this folder."""
from .machine import Lab, LabError, Result

__all__ = ["Lab", "LabError", "Result"]
