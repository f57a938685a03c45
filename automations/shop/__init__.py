"""The embedded shop: orders, invoices, incidents, refunds and credits, in a ledger of its own behind an HTTP API of its own.

It stands in for the company's systems until they are connected. The portal speaks to it as to any of them: over HTTP, with faults.
"""
