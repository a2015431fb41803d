"""Bytes by digest: objects, packs, trees. Knows no meaning."""
