"""Answers to people and programs over HTTP."""
