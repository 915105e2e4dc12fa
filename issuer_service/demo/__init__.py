"""``make demo``: the whole road between real processes, from a citizen's browser to a bank's verdict and a revocation.

An issuer, which is a portal as well, a bank and its loan desk serve HTTP on this machine; citizen and clerk use the
commands. ``place`` says where all that is, ``keyring`` makes everybody's keys, ``crew`` starts and ends the processes,
``stage`` sets it up. ``walk`` has the steps, ``meeting`` that of a phone and a reader, and those of ``mydata`` last:
``bundle`` and ``portal`` are its two roads, ``record`` its log, ``watch`` the log's witness, ``discount`` the yes/no
service, ``erasure`` deletion. ``leaflet`` tells phones what to do.
"""
