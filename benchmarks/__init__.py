"""How fast, how true and how live carbon_magic is, measured on the machine that this runs on: `python -m benchmarks`.

speed   what it costs: CPU, time, memory, threads, bytes
truth   how right it is, on a simulated machine whose energy is known (tests/machine), in real time
live    how often a busy cell's figures are painted in JupyterLab
"""
