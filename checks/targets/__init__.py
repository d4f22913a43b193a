"""Where to ask: disposable servers started here, and live environments a runbook names."""
