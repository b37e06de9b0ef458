"""Faults on purpose: what the sandbox answers, holds back or breaks off when it is told to."""
