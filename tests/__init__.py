"""Tests of the package, one file a module."""
