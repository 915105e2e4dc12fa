"""The routes: each parses, calls the library and returns; the rules are there."""
