"""A test suite for DICOMweb and DIMSE servers: `python -m conformance.suite URL`.

It stands outside of this project's server and imports nothing of it, so that it can judge any
other: httpx speaks the web half, pynetdicom (an extra) the DIMSE half, pydicom makes the objects.
"""
