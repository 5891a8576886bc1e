"""The test suite of Penchant."""
