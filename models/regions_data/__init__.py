"""Tables of regions that ship with the project, one CSV each: ``kode,nama,tps``."""
