"""For the tests of those who build on this library: a small PKI, a virtual clock, issuer, wallet and verifier in
memory, and peers that misbehave on demand. Installed with the library, loaded by pytest as its plugin ``ewallet``.

Nothing here belongs into a program that serves people: the keys are made on the spot and the people are invented.
"""
