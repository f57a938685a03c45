"""Other programs, each described by an OpenAPI document that two people approved together with its address and credential."""
