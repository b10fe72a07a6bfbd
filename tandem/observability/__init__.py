"""What is seen from outside: figures for Prometheus, traces for OpenTelemetry, logs for people and programs.

The doors are `metrics.Metrics`, `telemetry.exporter` and `logs.configure`. Knows finished traces. Side data: what fails
here never stops an answer. Does not know how an answer comes about.
"""
