"""A DICOMweb server: stores, finds and serves medical images by the DICOM standard."""
