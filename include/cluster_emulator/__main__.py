"""`python -m cluster_emulator`: the emulator alone, with an application that only describes the requests it gets."""

from cluster_emulator.command import main

main()
