"""The portal road (OAuth 2.0): a registered recipient asks, the person consents, the recipient downloads by API.

:mod:`role` is the portal and :mod:`client` a recipient; :mod:`pushed` is what they say to each other, :mod:`assertion`
how a recipient shows who it is, and :mod:`agreement` the person's consent, which their own wallet signs.
"""

from ewallet.portal.role import Notice, Portal, Provider, Token

__all__ = ["Notice", "Portal", "Provider", "Token"]
