# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite: host x file system x property, and the same to the byte on every host.

A *body* is a function of one argument, a `Scenario`; it names no host and no file system.  What it does becomes a
*transcript* - operation, arguments, result or errno - which must equal the golden one that is checked in.

    scenario     what a body is given
    transcript   how operations are written down
    tree         the files that reading bodies find
    hosts        the hosts under test
    drivers      the file systems under test, and how each is made and mounted
    bodies       the properties, by topic
    golden       the transcripts, one file for each file system
    images       what others' tools made, and the program that had them make it
    contract     the hypercalls' own contract, as bodies of another kind
    runner       runs all this without pytest: ``python -m rump.conformance --host bare-memory``
"""
