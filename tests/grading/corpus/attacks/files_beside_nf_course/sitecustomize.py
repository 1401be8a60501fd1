open('/tmp/nf-course-attack', 'w').write('won')
