"""The checks of the simulated machine on real devices; each file is collected only where its device answers."""
