"""The ingress listener: the addresses of Ingresses, answered in the place of the pods behind them."""
