"""Embedding spaces: what a space is, how its blocks are fused, and how it lives."""
