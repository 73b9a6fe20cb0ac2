"""The methods: one file per namespace and the register that lists them."""
