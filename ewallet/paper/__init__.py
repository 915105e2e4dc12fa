"""A certificate on paper: any kind as an A4 form, made from its schema, with what it takes to check it again.

:class:`Form` says everything that stands on the page; :func:`pdf` sets it as a PDF with the credential attached,
:mod:`ewallet.paper.page` as HTML and :mod:`ewallet.paper.plain` as a text for reading aloud. The PDF needs the extra
``paper``; the others need nothing.
"""

from ewallet.paper.form import Form
from ewallet.paper.typeset import pdf
from ewallet.printed import on_paper

__all__ = ["Form", "on_paper", "pdf"]
