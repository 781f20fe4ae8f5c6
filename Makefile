.PHONY: lab test lint js pictures bench
lab:      ; .venv/bin/jupyter lab notebooks/quickstart.ipynb
test:     ; .venv/bin/pytest
lint:     ; .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
js:       ; cd js && npm ci && npm run check && npm test && npm run build
bench:    ; .venv/bin/python -m benchmarks
pictures: ; .venv/bin/python tests/gallery.py
