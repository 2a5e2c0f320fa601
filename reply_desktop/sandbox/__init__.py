"""The sandbox: local stand-ins for the mail providers, in a process of their own.

Only `control` and `process` are for the fronts; `person` plays somebody at the browser. Nothing of the
product's engine may enter here: the stand-ins are on the other side of the network.
"""
