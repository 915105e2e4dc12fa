"""The demo issuer: the library put together for an issuing agency."""
