"""What runs programs: devices behind one seam."""
