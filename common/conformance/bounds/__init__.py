"""How far an honest result may be from the oracle's: the derived bounds (T1), and the comparison with them."""
