"""``make demo``: the whole road between real processes, from a citizen's browser to a bank's verdict and a revocation.

An issuer and a bank serve HTTP on this machine; citizen and clerk use the commands. ``place`` says where all that is,
``crew`` starts and ends the processes, ``stage`` sets it up, ``walk`` has the steps, ``leaflet`` tells phones what to
do.
"""
